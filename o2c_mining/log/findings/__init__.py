"""What is wrong with a log: one module per question, each rule a query for the offending rows."""
