// SPDX-License-Identifier: Apache-2.0
// dstack's published SDK as the owner of an app ($APP_ID): is the key in the KMS's answer (stdin) of $ROOT?  Then seals to it.
const assert = require('assert')
const fs = require('fs')
const { verifyEnvEncryptPublicKey, verifyEnvEncryptPublicKeyLegacy } = require('@phala/dstack-sdk')
const { encryptEnvVars } = require('@phala/dstack-sdk/encrypt-env-vars')

const said = JSON.parse(fs.readFileSync(0, 'utf8'))
const bytes = (hex) => new Uint8Array(Buffer.from(hex, 'hex'))
const key = bytes(said.public_key)
const root = `0x${process.env.ROOT}`

assert.strictEqual(verifyEnvEncryptPublicKey(key, bytes(said.signature_v1), process.env.APP_ID, said.timestamp), root)
assert.strictEqual(verifyEnvEncryptPublicKeyLegacy(key, bytes(said.signature), process.env.APP_ID), root)
assert.notStrictEqual(verifyEnvEncryptPublicKeyLegacy(key, bytes(said.signature), '00'.repeat(20)), root)
encryptEnvVars([{ key: 'NAME', value: 'a value\n\u00e9"$' }], said.public_key).then((sealed) => process.stdout.write(sealed))
