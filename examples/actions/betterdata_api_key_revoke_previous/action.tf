resource "betterdata_api_key" "forecast" {
  name   = "Forecast job"
  scopes = ["inventory:read", "forecast:read"]

  rotation = {
    interval = "2160h"
    overlap  = "72h"
  }
}

# By hand, at any time during an overlap:
#   terraform apply -invoke=action.betterdata_api_key_revoke_previous.forecast
action "betterdata_api_key_revoke_previous" "forecast" {
  config {
    ids  = betterdata_api_key.forecast.previous_keys[*].id
    keep = betterdata_api_key.forecast.id
  }
}

# Or as soon as the new key is rolled out. This stands for whatever hands the key to its consumers and waits until
# they use it, such as a Deployment.
resource "terraform_data" "rollout" {
  input = betterdata_api_key.forecast.id

  lifecycle {
    action_trigger {
      events  = [after_update]
      actions = [action.betterdata_api_key_revoke_previous.forecast]
    }
  }
}
