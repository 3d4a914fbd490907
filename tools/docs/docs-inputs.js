/** The files that the code blocks of pages depend on. */

/**
 * Files that no block uses. All other files are inputs, so that none can be forgotten: a block may
 * use any file of the build and of the package.
 */
const UNUSED = [
  /^(bench|\.ci|\.changeset)\//,
  /^tools\/(conformance|docs|links|lint|mutation)\//,
  // Tests, except for those of the pages and what they use.
  /^test\/(?!docs\/|support\/|longest-first\.js$)/,
  /^(eslint\.config\.js|jest\.long\.config\.js|stryker\.config\.mjs|\.dependency-cruiser\.mjs)$/,
  /^(tsconfig\.harness\.json|\.prettierrc\.json|\.prettierignore|\.gitignore|LICENSE)$/,
];

export function isInput(path) {
  return !UNUSED.some((pattern) => pattern.test(path));
}
