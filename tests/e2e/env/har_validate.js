// SPDX-License-Identifier: ISC
// har_validate.js FILE... - the published HAR 1.2 schema, by har-validator.
'use strict';
const fs = require('fs');
const validator = require('har-validator');

const one = (file) => validator.har(JSON.parse(fs.readFileSync(file, 'utf8'))).then(
  () => true,
  (e) => {
    const first = (e.errors || []).slice(0, 5).map((x) => `${x.dataPath} ${x.message}`);
    console.log(`${file}: ${first.join('; ') || e.message}`);
    return false;
  });

Promise.all(process.argv.slice(2).map(one)).then((fine) => {
  process.exitCode = fine.every(Boolean) ? 0 : 1;
});
