"""What a person does: sign up, confirm, choose, leave. Each public function of these files is one transaction."""
