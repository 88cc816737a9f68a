require("core");
