/** All texts, a part of the page a file. */

import detail from "./en/detail.js";
import search from "./en/search.js";
import shell from "./en/shell.js";

export default { ...shell, ...search, ...detail };
