// SPDX-License-Identifier: Apache-2.0
// dstack's published SDK against the sockets of a folder ($DIR), whose guest has keys: those of $ROOT, a KMS's
// public key, for the app $APP_ID.  What other programs are to look at is written to $DIR as JSON.
const assert = require('assert')
const crypto = require('crypto')
const fs = require('fs')
const { secp256k1 } = require('@noble/curves/secp256k1')
const { ed25519 } = require('@noble/curves/ed25519')
const { keccak_256 } = require('@noble/hashes/sha3')
const { DstackClient, TappdClient } = require('@phala/dstack-sdk')

const dir = process.env.DIR
const hex = (b) => Buffer.from(b).toString('hex')
const sha256 = (b) => crypto.createHash('sha256').update(b).digest()

function recover(signature, message) {
  const s = secp256k1.Signature.fromCompact(signature.slice(0, 64)).addRecoveryBit(signature[64])
  return s.recoverPublicKey(keccak_256(message)).toRawBytes(true)
}

// From the signature over purpose and key, by the app's key, to the KMS's root.
function checkChain(chain, purpose, publicKey) {
  assert.strictEqual(chain.length, 2)
  const app = recover(chain[0], Buffer.from(`${purpose}:${hex(publicKey)}`))
  const issued = Buffer.concat([Buffer.from('dstack-kms-issued:'), Buffer.from(process.env.APP_ID, 'hex'), app])
  assert.strictEqual(hex(recover(chain[1], issued)), process.env.ROOT)
  return hex(app)
}

async function testKeys(client) {
  const one = await client.getKey('/one', 'purpose')
  const again = await client.getKey('/one', 'other')
  const two = await client.getKey('/two', 'purpose')
  assert.strictEqual(one.key.length, 32)
  assert.strictEqual(hex(one.key), hex(again.key)) // the purpose is signed, and changes no key
  assert.notStrictEqual(hex(one.key), hex(two.key))
  const app = checkChain(one.signature_chain, 'purpose', secp256k1.getPublicKey(one.key, true))
  assert.strictEqual(app, checkChain(again.signature_chain, 'other', secp256k1.getPublicKey(again.key, true)))
  const ed = await client.getKey('/one', 'purpose', 'ed25519')
  assert.strictEqual(hex(ed.key), hex(one.key))
  checkChain(ed.signature_chain, 'purpose', ed25519.getPublicKey(ed.key))
  checkChain((await client.getKey()).signature_chain, '', secp256k1.getPublicKey((await client.getKey()).key, true))
  const long = '/p'.repeat(20000) // over what OpenSSL's HKDF takes
  assert.strictEqual(hex((await client.getKey(long)).key), hex((await client.getKey(long)).key))
  await assert.rejects(client.getKey('/one', 'x', 'rsa'))
}

async function testSignatures(client) {
  const data = Buffer.from('what is signed')
  for (const algorithm of ['secp256k1', 'k256', 'secp256k1_prehashed', 'ed25519']) {
    const signed = algorithm === 'secp256k1_prehashed' ? sha256(data) : data
    const r = await client.sign(algorithm, signed)
    const valid = algorithm === 'ed25519'
      ? ed25519.verify(r.signature, data, r.public_key)
      : secp256k1.verify(r.signature, sha256(data), r.public_key, { lowS: true })
    assert.ok(valid, algorithm)
    assert.strictEqual(hex(r.signature_chain[0]), hex(r.signature))
    checkChain(r.signature_chain.slice(1), 'signing', r.public_key)
    assert.deepStrictEqual((await client.verify(algorithm, signed, r.signature, r.public_key)).valid, true)
    const other = Buffer.from(signed)
    other[0] ^= 1
    assert.deepStrictEqual((await client.verify(algorithm, other, r.signature, r.public_key)).valid, false)
    assert.ok((await client.verify(algorithm, signed, r.signature.slice(1), r.public_key)).error) // as it came
  }
  const key = ed25519.utils.randomPrivateKey() // somebody else's
  const { valid } = await client.verify('ed25519', data, ed25519.sign(data, key), ed25519.getPublicKey(key))
  assert.strictEqual(valid, true)
}

async function testTlsKeys(client, tappd) {
  const until = Math.floor(Date.now() / 1000) + 3600
  const server = await client.getTlsKey({ subject: 'app.example', altNames: ['app.example', '127.0.0.1'] })
  const client_ = await client.getTlsKey({ subject: 'me', usageServerAuth: false, usageClientAuth: true, notAfter: until })
  const ratls = await client.getTlsKey({ subject: 'ra', usageRaTls: true, withAppInfo: true })
  const pem = (r) => ({ key: r.key, chain: r.certificate_chain })
  assert.notStrictEqual(server.key, (await client.getTlsKey({ subject: 'app.example' })).key)
  for (const r of [server, client_, ratls]) {
    const leaf = new crypto.X509Certificate(r.certificate_chain[0])
    assert.ok(leaf.checkPrivateKey(crypto.createPrivateKey(r.key)))
    for (let i = 1; i < r.certificate_chain.length; i++) {
      const issuer = new crypto.X509Certificate(r.certificate_chain[i])
      assert.ok(new crypto.X509Certificate(r.certificate_chain[i - 1]).verify(issuer.publicKey))
    }
    assert.strictEqual(r.asUint8Array().length, 138)
  }
  const leaf = new crypto.X509Certificate(server.certificate_chain[0])
  assert.ok(leaf.checkHost('app.example') && leaf.checkIP('127.0.0.1') && !leaf.checkHost('me'))
  assert.strictEqual(Date.parse(new crypto.X509Certificate(client_.certificate_chain[0]).validTo), until * 1000)
  const raw = await client.getTlsKey({ notBefore: 5, notAfter: 5 })
  assert.strictEqual(raw.error, 'not_before must be earlier than not_after') // the SDK passes it on

  const older = await tappd.deriveKey('/path', 'older', ['alt.example'])
  const again = await tappd.deriveKey('/path', 'other')
  assert.strictEqual(hex(older.asUint8Array()), hex(again.asUint8Array())) // the path's
  assert.notStrictEqual(hex(older.asUint8Array()), hex((await tappd.deriveKey('/else')).asUint8Array()))
  assert.ok(new crypto.X509Certificate(older.certificate_chain[0]).checkHost('alt.example'))
  return { server: pem(server), client: pem(client_), ratls: pem(ratls), older: pem(older) }
}

async function testEvents(client) {
  await client.emitEvent('from-the-app', 'payload')
  const quote = await client.getQuote(sha256('x'))
  const log = JSON.parse(quote.event_log)
  assert.strictEqual(log.at(-1).event, 'from-the-app')
  assert.strictEqual(Buffer.from(log.at(-1).event_payload, 'hex').toString(), 'payload')
  const info = await client.info()
  const registers = quote.replayRtmrs()
  // $FROM: of a machine whose firmware's log is not all there, only RTMR3 follows from what there is
  for (let i = Number(process.env.FROM || 0); i < 4; i++) assert.strictEqual(registers[i], info.tcb_info[`rtmr${i}`], `rtmr${i}`)
  return quote.quote
}

async function main() {
  const client = new DstackClient(`${dir}/dstack.sock`)
  const tappd = new TappdClient(`${dir}/tappd.sock`)
  await testKeys(client)
  await testSignatures(client)
  const certificates = await testTlsKeys(client, tappd)
  const quote = await testEvents(client)
  const info = await client.info()
  fs.writeFileSync(`${dir}/sdk.json`, JSON.stringify({ ...certificates, quote, app_cert: info.app_cert }))
}

main().catch((e) => { console.error(e); process.exit(1) })
