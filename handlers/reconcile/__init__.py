"""The sweep: compare stored transactions with the PSPs and the executions, repair what is certain, list the rest."""
