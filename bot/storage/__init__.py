"""The database: schema, transactions, SQL statements, encrypted tokens and migrations."""
