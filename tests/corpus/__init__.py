"""Bad input, made by seeded programs: strings, addresses to lead on to, and bodies."""
