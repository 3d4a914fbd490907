import { readArcConfigText } from '../../src/arc-config/parse-arc-config.js';

const noticesOf = (text: string) =>
  readArcConfigText(text, { path: 'arc.json' }).notices.map(
    ({ kind, line, text: notice }) => `${kind} ${line}: ${notice}`,
  );

it.each([
  ['persistantKeepalive', 'persistentKeepalive'],
  ['persistent_keepalive', 'persistentKeepalive'],
  ['PrivatKey', 'privateKey'],
  ['additionalAllowedIP', 'additionalAllowedIPs'],
  ['sim-id', 'simId'],
  ['postUpp', 'postUp'],
  ['mtuu', 'mtu'],
])('suggests that %s is %s', (name, meant) => {
  expect(noticesOf(`{\n"${name}": 1\n}`)).toEqual([
    `warning 2: unknown member "${name}"; did you mean "${meant}"?`,
  ]);
});

it('names the object that a misplaced field belongs to', () => {
  expect(noticesOf('{"arcServerEndpoint": "a:1", "AUTHKEYID": ""}')).toEqual([
    'warning 1: unknown member "arcServerEndpoint"; move it to "arcSessionStatus"',
    'warning 1: unknown member "AUTHKEYID"; move it to "profile"',
  ]);
});

it('notes an unknown member that resembles no known one', () => {
  expect(noticesOf('{"comment": "x", "2": 0, "": 0}')).toEqual([
    'note 1: unknown member "comment"; arctun ignores it, but keeps it in the file',
    'note 1: unknown member "2"; arctun ignores it, but keeps it in the file',
    'note 1: unknown member ""; arctun ignores it, but keeps it in the file',
  ]);
});

it('reports duplicate fields, in any case, with each line', () => {
  const text = `{
    "mtu": 1400,
    "MTU": 1300,
    "comment": 1, "comment": 2,
    "mtu": 1200,
    "arcSessionStatus": { "arcServerEndpoint": "a:1",
      "arcServerEndpoint": "b:2" },
    "arcSessionStatus": {}
  }`;
  expect(noticesOf(text)).toEqual([
    'note 4: unknown member "comment"; arctun ignores it, but keeps it in the file',
    'note 4: unknown member "comment"; arctun ignores it, but keeps it in the file',
    'warning 4: "comment" occurs twice, on this line; the last one is used',
    'warning 5: "mtu" occurs 3 times, on lines 2 and 3 and 5; the last one is used',
    'warning 7: "arcSessionStatus.arcServerEndpoint" occurs twice, on lines 6 and 7; the last one is used',
    'warning 8: "arcSessionStatus" occurs twice, on lines 6 and 8; their members are merged',
  ]);
});
