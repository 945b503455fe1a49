"""What the monitor remembers: alerts, actions, leases, silences, evaluations and an audit chain."""
