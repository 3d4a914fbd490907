/**
 * The dependency rules (ARCHITECTURE.md). Each folder lists everything that it may import from src;
 * the reason says why it may not import more.
 */
const PURE =
  'A pure core takes time, randomness and bytes as inputs, so that each rule is testable in virtual time.';
const ARROWS = [
  [
    'lib',
    ['ports/entropy.ts', 'ports/clock.ts'],
    'Data structures depend only on themselves; randomness and time are inputs.',
  ],
  [
    'ports',
    ['lib', 'wire'],
    'A port describes what its users need from outside; it does not depend on them.',
  ],
  ['wire', ['lib'], 'A byte layout does not depend on protocol state.'],
  ['crypto', ['lib'], 'Primitives do not depend on a protocol.'],
  [
    'wireguard',
    ['ports', 'lib', 'wire', 'crypto/crypto.ts'],
    'WireGuard does not depend on the netstack, and uses only the interface of crypto.',
  ],
  ['netstack', ['ports', 'lib', 'wire'], 'TCP/IP does not depend on WireGuard.'],
  [
    'engine',
    ['ports', 'lib', 'wire', 'wireguard', 'netstack', 'crypto/crypto.ts'],
    'The engine combines the two cores and remains pure.',
  ],
  ['proxy', ['ports', 'lib'], 'A proxy uses a Dialer, not an engine.'],
  [
    'tunnel',
    ['ports', 'lib', 'wire', 'engine', 'proxy', 'crypto/crypto.ts'],
    'The tunnel drives an engine; its ports provide sockets and clocks.',
  ],
  [
    'soracom',
    ['ports', 'lib'],
    'The API client uses HTTP; it does not depend on files or tunnels.',
  ],
  ['arc-config', ['ports', 'lib'], 'arc.json is a value; a port provides the files.'],
  [
    'app',
    ['ports', 'lib', 'soracom', 'arc-config', 'tunnel', 'proxy'],
    'Use cases depend on neither the command line nor the operating system.',
  ],
  [
    'lambda/layer',
    ['ports', 'lib'],
    'A layer consists of bytes: packing it does not involve tunnels.',
  ],
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
      'proxy/limit-connections.ts',
      // Downlinks use the same exchanges as `send`.
      'proxy/datagram-dialer.ts',
      'proxy/dialer.ts',
      'proxy/tcp-exchange.ts',
      'proxy/udp-exchange.ts',
    ],
    'The emulator uses the same tunnel and engine as app, but not app.',
  ],
  [
    'lambda',
    ['ports', 'lib', 'crypto', 'proxy', 'arc-config', 'tunnel', 'app', 'system'],
    'The extension combines use cases and a tunnel, without the command line.',
  ],
  [
    'action',
    [],
    'The GitHub Action runs the command as other processes, which outlive its own process.',
  ],
  [
    'library',
    ['ports', 'lib', 'crypto', 'soracom', 'arc-config', 'tunnel', 'app', 'system'],
    'The library combines use cases and a tunnel, without the command line.',
  ],
  [
    'system',
    ['ports', 'lib', 'wire'],
    'System implements ports and uses the byte layouts of wire; it does not depend on use cases.',
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
    'The command line combines everything below it.',
  ],
];

/** The packages that the npm bundle may contain, including their own dependencies. */
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
      'The entry finds the command and passes its errors to oclif.',
      { path: '^src/entry/' },
      {
        path: '^(src|commands|test|bin|bench|tools)/',
        pathNot:
          '^(commands/|src/(entry|cli|lib)/|src/lambda/main\\.ts$|src/system/process/(refuse-inspector|stop-early)\\.ts$)',
      },
    ),
    forbid(
      'only-entry-imports-commands',
      'Commands are the top layer.',
      { path: '^src/', pathNot: '^src/entry/' },
      { path: '^commands/' },
    ),
    forbid(
      'src-never-imports-test',
      'Shipped code does not use test support.',
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
      'Only one folder calls the SORACOM API.',
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
      'Everything in the program slows a cold start of the Lambda extension.',
      { path: '^src/entry/(executable|embedded|starts-extension)\\.ts$' },
      { path: '^(commands/|node_modules/(@oclif|axios|inquirer)/)', reachable: true },
    ),
    forbid(
      'cli-context-imports-no-oclif',
      'The composition root also serves entries other than commands.',
      { path: '^src/cli/((tunnel-|system-)?context|create-tunnel-ports|system-adapters)\\.ts$' },
      { path: '^node_modules/@oclif/' },
    ),
    forbid(
      'only-crypto-imports-primitives',
      'Primitives have one interface, with known-answer tests for both backends.',
      { path: '^(src|commands)/', pathNot: '^src/crypto/' },
      { path: '^node_modules/(@noble|sodium-native)/' },
    ),
    forbid(
      'only-system-linux-imports-koffi',
      'One folder contains the system calls that Node does not have.',
      { path: '^(src|commands)/', pathNot: '^src/system/linux/' },
      { path: '^node_modules/(koffi|@koromix)/' },
    ),
    forbid(
      'only-composition-roots-import-system',
      'The operating system is passed in, so that everything else can be tested without it.',
      {
        path: '^(src|commands)/',
        pathNot:
          '^src/(system/|cli/((tunnel-|system-)?context|create-tunnel-ports|system-adapters)\\.ts$|lambda/main\\.ts$|entry/(npm|executable)\\.ts$|library/(create-tunnel|soracom-ports|bootstrap)\\.ts$)',
      },
      { path: '^src/system/' },
    ),
    forbid(
      'arc-config-imports-no-node',
      'arc.json is a value; a port provides the files.',
      { path: '^src/arc-config/' },
      { dependencyTypes: ['core'] },
    ),
    forbid(
      'app-imports-no-node',
      'A use case uses only ports.',
      { path: '^src/app/' },
      { dependencyTypes: ['core'] },
    ),
    forbid('no-cycles', 'A cycle makes two modules one.', {}, { circular: true }),
    forbid(
      'no-orphans',
      'A module that is never imported is dead code, or its entry is missing from this list.',
      {
        orphan: true,
        pathNot: ['^src/index\\.ts$', '^commands/', '\\.d\\.ts$'],
      },
      {},
    ),
    forbid(
      'no-development-tools',
      'The bundle contains the packages that shipped code uses; decision 0001 gives the reasons.',
      { path: '^(src|commands)/' },
      {
        dependencyTypes: ['npm-dev'],
        dependencyTypesNot: ['type-only'],
        // The library loads undici only if the user's program has installed it.
        pathNot: `^node_modules/(${[...BUNDLED, 'undici'].join('|')})/`,
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
