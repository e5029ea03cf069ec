"""How is the database reached: connections, statements, locks and tables?"""
