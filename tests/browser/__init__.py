"""What only a browser can tell: Debian's Chromium, driven by Playwright."""
