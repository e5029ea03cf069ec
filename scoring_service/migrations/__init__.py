"""How does a store of an older version become one of this version? Alembic's revisions, in order."""
