# Live keys older than 90 days.
data "betterdata_api_keys" "old" {
  live       = true
  older_than = "2160h"
}

# Live keys that may do everything.
data "betterdata_api_keys" "all_powerful" {
  live  = true
  scope = "*"
}

# Either of the two. Both data sources share one listing.
output "keys_to_look_at" {
  value = {
    for key in concat(data.betterdata_api_keys.old.keys, data.betterdata_api_keys.all_powerful.keys) :
    key.id => "${key.name} (${key.key_prefix}_...${key.last4}, created ${coalesce(key.created_at, "at an unknown time")})"...
  }
}

# Keys of ephemeral resources whose run was killed before it could revoke them: none lives longer than its run.
data "betterdata_api_keys" "left_behind" {
  live       = true
  name_regex = " \\(ephemeral\\)$"
  older_than = "24h"
}

# Keys that nobody seems to use.
data "betterdata_api_keys" "unused" {
  live       = true
  unused_for = "720h"
}

output "unused_ids" {
  value = data.betterdata_api_keys.unused.ids
}
