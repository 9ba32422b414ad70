"""What the edges share: languages, security headers, who is asking, and answers to what goes wrong."""
