# A partition as it was a moment ago, as when a replica that lagged takes over. Sourced before private.sh.

of_partition() { cli -n "$1" --scan --pattern "{till:$2}:*"; }
keep() { # what the partition is now
    cli -n 1 flushdb >/dev/null
    of_partition 0 "$1" | while read -r key; do cli copy "$key" "$key" DB 1; done >/dev/null
}
roll_back() { # to that, while no worker sees it
    stop_worker
    of_partition 0 "$1" | while read -r key; do cli del "$key"; done >/dev/null
    of_partition 1 "$1" | while read -r key; do cli -n 1 copy "$key" "$key" DB 0; done >/dev/null
    start_worker
}
