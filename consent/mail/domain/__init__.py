"""What DNS must say about a domain that mail comes from: read and judged without asking anybody, but for ``ask``."""
