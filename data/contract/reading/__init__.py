"""How is a file of the contract read: its format, its columns, their types? One way for every command and both engines."""
