"""config.toml and the environment: schema, loading, where a value came from, secret tokens."""
