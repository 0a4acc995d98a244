"""What every call goes through: definition, arguments, session, ids, cursors."""
