import js from '@eslint/js';
import markdown from '@eslint/markdown';
import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

import { words } from './tools/lint/words-plugin.js';

const PURE = ['src/{lib,ports,wire,wireguard,netstack,engine}/**/*.ts'];

/** The globals that pure folders may not use, and what to use instead. */
const IMPURE_GLOBALS = {
  Date: 'Take `now` (monotonic milliseconds) or a WallClock as an input.',
  performance: 'Take `now` (monotonic milliseconds) as an input.',
  setTimeout: 'Return the deadline from nextTimeout(); the driver owns the timer.',
  setInterval: 'Return the deadline from nextTimeout(); the driver owns the timer.',
  setImmediate: 'Pure code is synchronous; the driver drains it.',
  queueMicrotask: 'Pure code is synchronous; the driver drains it.',
  process: 'Take what you need as an option.',
  console: 'Count drops or return a value; the shell logs.',
  Buffer: 'Bytes are Uint8Array here; see src/lib and src/wire.',
  crypto: 'Take the Crypto or Entropy port as an input.',
  fetch: 'Only src/soracom speaks HTTP.',
};

const IMPURE_SYNTAX = [
  ['[async=true]', 'Pure code is synchronous; asynchrony lives in tunnel/ and system/.'],
  ['AwaitExpression', 'Pure code is synchronous; asynchrony lives in tunnel/ and system/.'],
  ['NewExpression[callee.name="Promise"]', 'Pure code is synchronous.'],
  ['Literal[bigint]', 'BigInt allocates; use a number below 2^53 or two u32 words.'],
];

export default defineConfig(
  globalIgnores(['node_modules', 'dist', 'coverage', 'build', '.stryker-tmp', 'reports']),
  { files: ['**/*.{js,mjs,ts}'], extends: [js.configs.recommended] },
  { files: ['**/*.md'], plugins: { markdown }, language: 'markdown/gfm' },
  {
    files: ['**/*.{js,mjs,ts,md}'],
    ignores: ['tools/lint/idioms.js', 'test/tools/lint/*.test.ts'],
    plugins: { words },
    rules: { 'words/no-idiom': 'error' },
  },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
    },
  },
  {
    files: ['src/**/*.ts', 'commands/**/*.ts'],
    rules: {
      'max-lines': ['error', { max: 300, skipBlankLines: true, skipComments: true }],
      'max-lines-per-function': ['error', { max: 60, skipBlankLines: true, skipComments: true }],
      'max-params': ['error', 5],
      'max-depth': ['error', 4],
    },
  },
  {
    // Code for bytes indexes arrays whose bounds it has checked; `!` states this at no cost.
    files: ['src/{lib,wire,wireguard,netstack,engine,crypto}/**/*.ts', 'test/**/*.ts'],
    rules: { '@typescript-eslint/no-non-null-assertion': 'off' },
  },
  {
    files: PURE,
    rules: {
      'no-restricted-globals': [
        'error',
        ...Object.entries(IMPURE_GLOBALS).map(([name, message]) => ({ name, message })),
      ],
      'no-restricted-properties': [
        'error',
        { object: 'Math', property: 'random', message: 'Take the Entropy port as an input.' },
      ],
      'no-restricted-syntax': [
        'error',
        ...IMPURE_SYNTAX.map(([selector, message]) => ({ selector, message })),
      ],
    },
  },
  {
    // Helpers for streams, and for promises that an abort or a timer ends, which every impure folder
    // uses.
    files: ['src/lib/waits.ts', 'src/lib/read-limited.ts'],
    rules: { 'no-restricted-syntax': 'off' },
  },
  {
    files: ['**/*.js', '**/*.mjs'],
    languageOptions: {
      globals: {
        process: 'readonly',
        console: 'readonly',
        performance: 'readonly',
        Buffer: 'readonly',
        URL: 'readonly',
        fetch: 'readonly',
        setTimeout: 'readonly',
        clearTimeout: 'readonly',
        AbortController: 'readonly',
        AbortSignal: 'readonly',
      },
    },
  },
);
