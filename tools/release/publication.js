/** Decides whether a release may be published. */

/**
 * Returns what `npm run release` was asked to do; undefined if it was asked wrongly.
 *
 * @param {readonly string[]} words
 * @param {Record<string, string | undefined>} environment
 */
export function actionOf(words, environment) {
  const [word, ...others] = words;
  if (others.length > 0) return undefined;
  // `npm run release --dry-run`, without `--` before the flag, only sets this variable.
  const isDry = environment.npm_config_dry_run === 'true';
  if (word === '--dry-run' || (word === undefined && isDry)) return 'dry-run';
  return word === '--publish' && !isDry ? 'publish' : undefined;
}

/**
 * Returns the flags that keep a prerelease, such as 1.0.0-rc.1, from becoming the version that
 * `npm install arctun` chooses. npm refuses to publish a prerelease without them.
 *
 * @param {string} version
 */
export function tagFlags(version) {
  return version.includes('-') ? ['--tag', 'next'] : [];
}

/**
 * Returns the reasons why the working tree must not be published, each with what to do.
 *
 * @param {string} version the version in package.json
 * @param {(...words: string[]) => string} git runs git and returns its output
 */
export function publicationObstacles(version, git) {
  const tag = `v${version}`;
  const obstacles = [];
  if (git('status', '--porcelain') !== '')
    obstacles.push('The working tree has changes that are not committed. Commit or remove them.');
  const tags = git('tag', '--points-at', 'HEAD').split('\n');
  if (!tags.includes(tag))
    obstacles.push(`The commit does not have the tag ${tag}. Run: npx changeset tag`);
  return obstacles;
}
