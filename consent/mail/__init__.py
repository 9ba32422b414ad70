"""The messages that we send ourselves: composed here to the byte, carried by Flask-Mail's SMTP connection."""
