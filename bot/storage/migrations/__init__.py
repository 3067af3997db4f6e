"""The steps from one version of the tables to the next, the way alembic runs them."""
