"""Power cuts by the thousand: wallets, chips and field in one process, with snapshots."""
