"""The engine on several machines: its records, files and queue in one PostgreSQL database."""
