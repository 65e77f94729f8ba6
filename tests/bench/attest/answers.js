// SPDX-License-Identifier: Apache-2.0
// answers: what @phala/dcap-qvl says of quotes; a line of JSON for each {dir, root, at} on stdin
//
// node answers.js MODULES
'use strict';
const fs = require('fs');
const path = require('path');

const qvl = require(path.join(process.argv[2], '@phala/dcap-qvl'));

function answer({ dir, root, at }) {
  try {
    const verifier = root ? qvl.QuoteVerifier.newWithRootCa(fs.readFileSync(root))
                          : qvl.QuoteVerifier.newProd();
    const r = verifier.verify(fs.readFileSync(`${dir}/quote.bin`),
                              JSON.parse(fs.readFileSync(`${dir}/collateral.json`)), at);
    return { dir, status: r.status, advisories: r.advisory_ids };
  } catch (e) {
    return { dir, error: String(e && e.message) };
  }
}

for (const line of fs.readFileSync(0, 'utf8').split('\n')) {
  if (line)
    console.log(JSON.stringify(answer(JSON.parse(line))));
}
