"""Watch the log: deadlines and rules raise alerts, alerts raise actions, actions are delivered."""
