"""What does each command do? One file a stage, from generated data to a monitored model."""
