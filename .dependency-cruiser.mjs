/**
 * The arrows of the house (ARCHITECTURE.md). Each folder names all that it may import from src;
 * the reason says what would be lost by one more arrow.
 */
const PURE =
  'A pure core takes time, randomness and bytes as inputs, so that each rule is testable in virtual time.';
const ARROWS = [
  [
    'lib',
    ['ports/entropy.ts', 'ports/clock.ts'],
    'Data structures know nothing but themselves; randomness and time come from outside.',
  ],
  [
    'ports',
    ['lib', 'wire'],
    'A port says what is needed from outside, and knows no one who needs it.',
  ],
  ['wire', ['lib'], 'A byte layout knows no protocol state.'],
  ['crypto', ['lib'], 'Primitives know no protocol.'],
  [
    'wireguard',
    ['ports', 'lib', 'wire', 'crypto/crypto.ts'],
    'WireGuard never hears of the netstack, and of crypto only the interface.',
  ],
  ['netstack', ['ports', 'lib', 'wire'], 'TCP/IP never hears of WireGuard.'],
  [
    'engine',
    ['ports', 'lib', 'wire', 'wireguard', 'netstack', 'crypto/crypto.ts'],
    'The engine joins the two cores and stays pure.',
  ],
  ['proxy', ['ports', 'lib'], 'A proxy knows a Dialer, never an engine.'],
  [
    'tunnel',
    ['ports', 'lib', 'wire', 'engine', 'proxy', 'crypto/crypto.ts'],
    'The tunnel drives an engine; sockets and clocks come in through its ports.',
  ],
  ['soracom', ['ports', 'lib'], 'The API client knows HTTP and nothing of files or tunnels.'],
  ['arc-config', ['ports', 'lib'], 'arc.json is a value; files come in through a port.'],
  [
    'app',
    ['ports', 'lib', 'soracom', 'arc-config', 'tunnel', 'proxy'],
    'Use cases know neither the command line nor the operating system.',
  ],
  ['lambda/layer', ['ports', 'lib'], 'A layer is bytes: its packing knows nothing of tunnels.'],
  [
    'emulator',
    [
      'ports',
      'lib',
      'wire',
      'engine',
      'tunnel',
      'crypto/crypto.ts',
      'proxy/http/browser-check.ts',
      'proxy/http/browser-gate.ts',
    ],
    'The emulator stands beside app, on the same tunnel and engine.',
  ],
  [
    'lambda',
    ['ports', 'lib', 'crypto', 'proxy', 'arc-config', 'tunnel', 'app', 'system'],
    'The extension composes use cases and a tunnel, and knows no command line.',
  ],
  [
    'system',
    ['ports', 'lib', 'wire'],
    'System implements ports, whose bytes are laid out by wire; it knows no use case.',
  ],
  [
    'cli',
    [
      'ports',
      'lib',
      'crypto',
      'proxy',
      'soracom',
      'arc-config',
      'tunnel',
      'app',
      'emulator',
      'lambda',
      'system',
    ],
    'The command line composes everything below it.',
  ],
];

/** What the bundle of the npm package may hold, with what these packages need themselves. */
const BUNDLED = [
  '@noble/(ciphers|curves|hashes)',
  '@oclif/core',
  'axios',
  'dns-packet',
  'fastest-levenshtein',
  'fflate',
  'inquirer',
  'ipaddr.js',
  'nanotar',
  'fast-string-truncated-width',
  'openapi-backend',
  'pino',
  'prom-client',
  'qrcode',
  'shell-quote',
  'zod',
];

const onlyAllowedFolders = ARROWS.map(([folder, allowed, reason]) => ({
  name: `${folder}-imports-only-${allowed.join('-').replaceAll('/', '-') || 'itself'}`,
  comment: reason,
  severity: 'error',
  from: { path: `^src/${folder}/` },
  to: {
    path: '^(src|commands|test|bin|bench|tools)/',
    pathNot: [folder, ...allowed].map((name) =>
      name.endsWith('.ts') ? `^src/${name}$` : `^src/${name}/`,
    ),
  },
}));

const forbid = (name, comment, from, to) => ({ name, comment, severity: 'error', from, to });

export default {
  forbidden: [
    ...onlyAllowedFolders,
    forbid(
      'commands-import-only-cli-and-app',
      'A command declares flags, calls a use case and renders.',
      { path: '^commands/' },
      { path: '^(src|test|bin|bench|tools)/', pathNot: '^src/(cli|app|lib)/' },
    ),
    forbid(
      'entry-imports-only-commands-and-cli',
      'The entry finds the command and hands its errors to oclif.',
      { path: '^src/entry/' },
      {
        path: '^(src|commands|test|bin|bench|tools)/',
        pathNot:
          '^(commands/|src/(entry|cli|lib)/|src/lambda/main\\.ts$|src/system/process/refuse-inspector\\.ts$)',
      },
    ),
    forbid(
      'only-entry-imports-commands',
      'Commands are the roof.',
      { path: '^src/', pathNot: '^src/entry/' },
      { path: '^commands/' },
    ),
    forbid(
      'src-never-imports-test',
      'Shipped code does not lean on test support.',
      { path: '^(src|commands)/' },
      { path: '^(test|bench|tools)/' },
    ),
    forbid(
      'pure-folders-import-no-node',
      PURE,
      { path: '^src/(lib|ports|wire|wireguard|netstack|engine)/' },
      { dependencyTypes: ['core'] },
    ),
    forbid(
      'pure-folders-import-no-npm',
      PURE,
      { path: '^src/(lib|ports|wire|wireguard|netstack|engine)/' },
      {
        dependencyTypes: [
          'npm',
          'npm-dev',
          'npm-optional',
          'npm-peer',
          'npm-no-pkg',
          'npm-unknown',
        ],
      },
    ),
    forbid(
      'only-soracom-imports-axios',
      'One place speaks to the SORACOM API.',
      { pathNot: '^src/soracom/' },
      { path: '^node_modules/axios/' },
    ),
    forbid(
      'only-the-command-line-imports-oclif',
      'The library runs without the command line.',
      { path: '^src/', pathNot: '^src/(cli|entry)/' },
      { path: '^node_modules/@oclif/' },
    ),
    forbid(
      'executable-starts-without-the-command-line',
      'A cold start of the Lambda extension pays for all that its program holds.',
      { path: '^src/entry/(executable|embedded|starts-extension)\\.ts$' },
      { path: '^(commands/|node_modules/(@oclif|axios|inquirer)/)', reachable: true },
    ),
    forbid(
      'cli-context-imports-no-oclif',
      'The composition root serves entries that are no command.',
      { path: '^src/cli/((tunnel-|system-)?context|create-tunnel-ports)\\.ts$' },
      { path: '^node_modules/@oclif/' },
    ),
    forbid(
      'only-crypto-imports-primitives',
      'Primitives stand behind one interface, with known answers for both backends.',
      { path: '^(src|commands)/', pathNot: '^src/crypto/' },
      { path: '^node_modules/(@noble|sodium-native)/' },
    ),
    forbid(
      'only-system-linux-imports-koffi',
      'System calls that Node does not have stand in one folder.',
      { path: '^(src|commands)/', pathNot: '^src/system/linux/' },
      { path: '^node_modules/(koffi|@koromix)/' },
    ),
    forbid(
      'only-composition-roots-import-system',
      'The operating system is handed in, so that everything else can be tested without it.',
      {
        path: '^(src|commands)/',
        pathNot:
          '^src/(system/|cli/((tunnel-|system-)?context|create-tunnel-ports)\\.ts$|lambda/main\\.ts$|entry/(npm|executable)\\.ts$|index\\.ts$)',
      },
      { path: '^src/system/' },
    ),
    forbid(
      'arc-config-imports-no-node',
      'arc.json is a value; files come in through a port.',
      { path: '^src/arc-config/' },
      { dependencyTypes: ['core'] },
    ),
    forbid(
      'app-imports-no-node',
      'A use case runs on ports alone.',
      { path: '^src/app/' },
      { dependencyTypes: ['core'] },
    ),
    forbid('no-cycles', 'A cycle is one room with two names.', {}, { circular: true }),
    forbid(
      'no-orphans',
      'What nobody imports is dead, or its entry is missing from this list.',
      {
        orphan: true,
        pathNot: ['^src/index\\.ts$', '^src/cli/tunnel-thread\\.ts$', '^commands/', '\\.d\\.ts$'],
      },
      {},
    ),
    forbid(
      'no-development-tools',
      'The bundle holds the packages that shipped code runs on: each has its reason in decision 0001.',
      { path: '^(src|commands)/' },
      {
        dependencyTypes: ['npm-dev'],
        dependencyTypesNot: ['type-only'],
        pathNot: `^node_modules/(${BUNDLED.join('|')})/`,
      },
    ),
    forbid(
      'no-unresolvable',
      'An import that does not resolve hides every rule above.',
      {},
      { couldNotResolve: true },
    ),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
    },
  },
};
