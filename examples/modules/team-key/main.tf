# A key as a platform team hands it out: no wildcards, always rotated. tests/ checks the module with "terraform test".
terraform {
  required_version = ">= 1.11"
  required_providers {
    betterdata = {
      source = "betterdataco/betterdata"
    }
  }
}

variable "team" {
  description = "Who owns the key; part of its name."
  type        = string
}

variable "purpose" {
  description = "What the key is for; part of its name."
  type        = string
}

variable "scopes" {
  description = "What the key may do. No wildcards: each permission is named."
  type        = set(string)

  validation {
    condition     = alltrue([for scope in var.scopes : !strcontains(scope, "*")])
    error_message = "Name each scope; wildcards also grant what is added later."
  }
}

variable "generation" {
  description = "Raise it to rotate the key before its time."
  type        = number
  default     = 1
}

resource "betterdata_api_key" "this" {
  name   = "${var.team}: ${var.purpose}"
  scopes = var.scopes

  rotation = {
    interval = "2160h" # 90 days
    overlap  = "48h"   # time for the team to deploy
    triggers = { generation = var.generation }
  }
}

output "id" {
  value = betterdata_api_key.this.id
}

output "plaintext_key" {
  value     = betterdata_api_key.this.plaintext_key
  sensitive = true
}

output "previous_keys" {
  description = "Predecessors that still work, and until when."
  value       = betterdata_api_key.this.previous_keys
}
