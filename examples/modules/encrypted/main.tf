# A key whose plaintext is never in the state: it is encrypted when it is issued, to the people or machines that are to
# use it. Whoever has one of the identities reads it by
#
#   terraform output -raw encrypted_key | age --decrypt --identity key.txt
terraform {
  required_version = ">= 1.11"
  required_providers {
    betterdata = {
      source = "betterdataco/betterdata"
    }
  }
}

variable "recipients" {
  description = "Public keys: age1... as age-keygen prints them, or ssh-ed25519 and ssh-rsa lines as in authorized_keys. A change rotates the key."
  type        = set(string)
}

resource "betterdata_api_key" "partner" {
  name           = "Partner"
  scopes         = ["inventory:read"]
  age_recipients = var.recipients

  rotation = {
    interval = "2160h"
    overlap  = "168h"
  }
}

# Ciphertext: not sensitive, it may be shown and sent.
output "encrypted_key" {
  value = betterdata_api_key.partner.encrypted_key
}
