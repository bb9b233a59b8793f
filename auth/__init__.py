"""Who may do what: factors, roles, policy and lock-out."""
