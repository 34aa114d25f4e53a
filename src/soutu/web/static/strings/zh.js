/** All texts, a part of the page a file. */

import detail from "./zh/detail.js";
import search from "./zh/search.js";
import shell from "./zh/shell.js";

export default { ...shell, ...search, ...detail };
