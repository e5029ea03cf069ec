"""How bytes come and go: connections, their limit, refusals that reach the client, bodies that nobody reads."""
