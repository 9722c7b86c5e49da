"""The person who sees results and answers questions; `person` has the interface."""

OK = "ok"
CANCEL = "cancel"
