# Keys that neither Terraform nor the Kubernetes operator has marked. To take them over:
#   terraform query -generate-config-out=keys.tf
list "betterdata_api_key" "unmarked" {
  provider = betterdata

  config {
    name_regex = "^[^\\[]*$"
  }
}

# The first ten keys that may manage keys, with all that the API tells about them.
list "betterdata_api_key" "administrators" {
  provider         = betterdata
  include_resource = true
  limit            = 10

  config {
    scope = "admin:write"
  }
}
