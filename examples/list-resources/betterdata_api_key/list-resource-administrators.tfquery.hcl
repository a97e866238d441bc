# In a folder of its own, because generated configuration must not name a key twice: the first ten keys that may manage keys, with all that the API tells about them.
list "betterdata_api_key" "administrators" {
  provider         = betterdata
  include_resource = true
  limit            = 10

  config {
    scope = "admin:write"
  }
}
