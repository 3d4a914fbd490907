/** Finds the names in the code that a page of the reference lists. */
import { readdirSync, readFileSync } from 'node:fs';
import { relative } from 'node:path';

import ts from 'typescript';

const LEVELS = new Set(['error', 'warn', 'info', 'debug', 'trace']);

/**
 * Reads the code below a folder. Each name has the place where it occurs, as `path:line`.
 *
 * @param types the union types of which the members are names
 */
export function namesInCode(root, files, types) {
  const { config } = ts.readConfigFile(`${root}tsconfig.json`, ts.sys.readFile);
  const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, root);
  const program = ts.createProgram(files, { ...options, types: ['node'] });
  const checker = program.getTypeChecker();
  const found = { fields: [], variables: [], metrics: [], members: {} };
  for (const path of files) {
    const source = program.getSourceFile(path);
    const add = (list, name, node) => {
      const { line } = source.getLineAndCharacterOfPosition(node.getStart());
      list.push({ name, place: `${relative(root, path)}:${line + 1}` });
    };
    const visit = (node) => {
      for (const name of loggedFields(node, checker)) add(found.fields, name, node);
      for (const name of variablesOf(node)) add(found.variables, name, node);
      for (const name of metricsOf(node)) add(found.metrics, name, node);
      if (ts.isTypeAliasDeclaration(node) && types.includes(node.name.text)) {
        const members = (found.members[node.name.text] ??= []);
        for (const name of membersOf(node, checker)) add(members, name, node);
      }
      ts.forEachChild(node, visit);
    };
    visit(source);
  }
  return found;
}

/** Returns the fields that a call such as `log.info(fields, message)` writes. */
function loggedFields(node, checker) {
  if (!ts.isCallExpression(node) || node.arguments.length !== 2) return [];
  const { expression } = node;
  if (!ts.isPropertyAccessExpression(expression) || !LEVELS.has(expression.name.text)) return [];
  if (!/log$/i.test(expression.expression.getText())) return [];
  const [fields] = node.arguments;
  return checker.getPropertiesOfType(checker.getTypeAtLocation(fields)).map(({ name }) => name);
}

/** Returns the environment variables that a node reads from `env`, or names in a string. */
function variablesOf(node) {
  if (ts.isStringLiteralLike(node))
    return /^(ARCTUN|SORACOM)_[A-Z_]+$/.test(node.text) ? [node.text] : [];
  if (ts.isPropertyAccessExpression(node) && isEnvironment(node.expression)) {
    return /^[A-Z][A-Z\d_]+$/.test(node.name.text) ? [node.name.text] : [];
  }
  if (ts.isElementAccessExpression(node) && isEnvironment(node.expression)) {
    return ts.isStringLiteralLike(node.argumentExpression) ? [node.argumentExpression.text] : [];
  }
  if (!ts.isVariableDeclaration(node) || !ts.isObjectBindingPattern(node.name)) return [];
  if (!isEnvironment(node.initializer)) return [];
  return node.name.elements.map(({ propertyName, name }) => (propertyName ?? name).getText());
}

function isEnvironment(node) {
  return /(^|[.#])(env|environment)$/.test(node?.getText() ?? '');
}

function metricsOf(node) {
  if (!ts.isCallExpression(node) || !/^metrics\.(gauge|counter)$/.test(node.expression.getText()))
    return [];
  const [name] = node.arguments;
  return [ts.isStringLiteralLike(name) ? `arctun_${name.text}` : name.getText()];
}

function membersOf(node, checker) {
  const type = checker.getTypeAtLocation(node.name);
  return (type.isUnion() ? type.types : [type]).map(({ value }) => String(value));
}

/** Returns the files of TypeScript below folders, with absolute paths. */
export function codeBelow(root, folders) {
  return folders.flatMap((folder) => {
    const names = readdirSync(root + folder, { recursive: true });
    return names.filter((name) => name.endsWith('.ts')).map((name) => `${root}${folder}/${name}`);
  });
}

/** Returns the names in code format in the first column of the tables that begin with `header`. */
export function rowsOf(path, header) {
  const rows = [];
  // Of the current table, its first cell; undefined outside tables.
  let current;
  for (const [index, line] of readFileSync(path, 'utf8').split('\n').entries()) {
    const [, first] = /^\| ([^|]*)\|/.exec(line) ?? [];
    const isHeader = first !== undefined && current === undefined;
    current = isHeader ? first.trim() : first && current;
    if (isHeader || current !== header) continue;
    for (const [, name] of first.matchAll(/`([^`]+)`/g)) rows.push({ name, line: index + 1 });
  }
  return rows;
}
