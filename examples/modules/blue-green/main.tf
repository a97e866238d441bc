# Two keys that are both alive all the time, and a switch that says which one is in use. For consumers that may need
# longer to change over than an overlap lasts: nothing is revoked until you say so.
#
# To rotate: raise the generation of the idle key and apply; set active to it and apply; when nothing uses the other
# one any more, it is the idle key of the next time.
terraform {
  required_version = ">= 1.11"
  required_providers {
    betterdata = {
      source = "betterdataco/betterdata"
    }
  }
}

variable "active" {
  description = "The key that consumers are given: blue or green."
  type        = string
  default     = "blue"

  validation {
    condition     = contains(["blue", "green"], var.active)
    error_message = "Either blue or green."
  }
}

variable "generation" {
  description = "Raise one of the two to rotate that key."
  type        = object({ blue = optional(number, 1), green = optional(number, 1) })
  default     = {}
}

resource "betterdata_api_key" "blue" {
  name   = "Warehouse (blue)"
  scopes = ["inventory:read", "inventory:write"]

  rotation = {
    overlap  = "1h" # the key is idle when it is rotated
    triggers = { generation = var.generation.blue }
  }
}

resource "betterdata_api_key" "green" {
  name   = "Warehouse (green)"
  scopes = ["inventory:read", "inventory:write"]

  rotation = {
    overlap  = "1h"
    triggers = { generation = var.generation.green }
  }
}

output "api_key" {
  value     = var.active == "blue" ? betterdata_api_key.blue.plaintext_key : betterdata_api_key.green.plaintext_key
  sensitive = true
}
