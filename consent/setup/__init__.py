"""Set-up as code: read a company's TOML file, apply it, make API keys."""
