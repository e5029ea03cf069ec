"""Where are models kept, and which version is champion? All of MLflow is here."""
