// SPDX-License-Identifier: Apache-2.0
// dstack's published SDK against the sockets of a folder ($DIR): what an app of a guest would call.
const assert = require('assert')
const { DstackClient, TappdClient } = require('@phala/dstack-sdk')

const dir = process.env.DIR

async function main() {
  const client = new DstackClient(`${dir}/dstack.sock`)
  assert.ok(await client.isReachable())

  const info = await client.info()
  assert.strictEqual(info.app_name, 'a<p>p \u00e9')
  assert.strictEqual(info.tcb_info.tee, 'simulated')

  const quote = await client.getQuote(Buffer.from('hello'))
  assert.match(quote.quote, /^(0x)?0400/)
  const log = JSON.parse(quote.event_log)
  assert.strictEqual(log.at(-1).event, 'system-ready')
  // the SDK's own replay, against the registers that Info tells
  const registers = quote.replayRtmrs()
  for (let i = 0; i < 4; i++) assert.strictEqual(registers[i], info.tcb_info[`rtmr${i}`], `rtmr${i}`)

  const attestation = await client.attest('hello')
  assert.ok(attestation.attestation.length > 1000)
  await assert.rejects(client.getQuote(Buffer.alloc(65)))
  await assert.rejects(client.getKey('x', 'y')) // the SDK does not look at the status
  assert.strictEqual((await client.version()).version, '0.6.0')

  const tappd = new TappdClient(`${dir}/tappd.sock`)
  const older = await tappd.tdxQuote('hello')
  assert.match(older.quote, /^(0x)?0400/)
  assert.ok(await tappd.isReachable()) // its info() asks for a path that dstack's tappd.sock does not have
}

main().catch((e) => { console.error(e); process.exit(1) })
