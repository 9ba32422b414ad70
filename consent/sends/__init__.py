"""What a sending system asks: may I send this to this person now, and why?"""
