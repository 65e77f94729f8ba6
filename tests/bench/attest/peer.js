// SPDX-License-Identifier: Apache-2.0
// peer: @phala/dcap-qvl over a quote, again and again; prints microseconds of CPU time, one line a round
//
// node peer.js MODULES ROUNDS QUOTE COLLATERAL UNIXTIME [ROOT.der]
'use strict';
const fs = require('fs');
const path = require('path');

const [modules, rounds, quoteFile, collateralFile, at, rootFile] = process.argv.slice(2);
const qvl = require(path.join(modules, '@phala/dcap-qvl'));
const quote = fs.readFileSync(quoteFile);
const collateral = JSON.parse(fs.readFileSync(collateralFile));
const verifier = rootFile ? qvl.QuoteVerifier.newWithRootCa(fs.readFileSync(rootFile))
                          : qvl.QuoteVerifier.newProd();

const status = () => verifier.verify(quote, collateral, Number(at)).status;
for (let i = 0; i < 10; i++)
  status(); // until the compiler has seen it
for (let i = 0; i < Number(rounds); i++) {
  const from = process.cpuUsage();
  status();
  const used = process.cpuUsage(from);
  console.log(used.user + used.system);
}
console.log(status());
