/**
 * Has V8 compile the modules of a bundle together with it. It would skim each of them first, as a function
 * that may never be called, and compile it when it is loaded; of what is compiled with the bundle it keeps
 * the result in the executable as well.
 */
import ts from 'typescript';

/**
 * @param code of esbuild, in which a module is `name = wrapper(() => { … })`, at the top
 * @returns the same with parentheses around these functions: V8 takes such a one for called at once
 */
export function withEagerModules(code) {
  const file = ts.createSourceFile('', code, ts.ScriptTarget.Latest, false, ts.ScriptKind.JS);
  const parts = [];
  let end = 0;
  for (const module of file.statements.flatMap(modulesIn)) {
    const start = module.getStart(file);
    parts.push(code.slice(end, start), '(', code.slice(start, module.end), ')');
    end = module.end;
  }
  parts.push(code.slice(end));
  return parts.join('');
}

function modulesIn(statement) {
  if (!ts.isVariableStatement(statement)) return [];
  return statement.declarationList.declarations.flatMap(({ initializer }) => {
    if (initializer === undefined || !ts.isCallExpression(initializer)) return [];
    const [module, ...others] = initializer.arguments;
    return others.length === 0 && module !== undefined && ts.isArrowFunction(module)
      ? [module]
      : [];
  });
}
