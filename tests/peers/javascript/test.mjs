// All tests: node tests/peers/javascript/test.mjs

import './test/vectors.mjs';
import './test/courses.mjs';
import './test/sessions.mjs';
import './test/elections.mjs';
import './test/nodes.mjs';
import './test/groups.mjs';
import './test/names.mjs';
