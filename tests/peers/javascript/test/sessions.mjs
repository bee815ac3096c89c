// Sessions in steps: spec/vectors/sessions.json.

import test from 'node:test';

import { tell, told, vectors } from './stories.mjs';

test(`sessions.json: ${told.length} of ${vectors.length} vectors`, async context => {
  for (const vector of told) await context.test(vector.id, () => tell(vector));
});
