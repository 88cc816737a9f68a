# Reference values for times to an event, from R's survival and cmprsk.
# Run as: Rscript survival.R > survival.json
# A group is given as its size, its times, and its status (0 is cut off).
suppressMessages({library(jsonlite); library(survival); library(cmprsk)})
cases <- list()
add <- function(f, args, want) cases[[length(cases) + 1]] <<- list(f = unbox(f), args = as.numeric(args), want = as.numeric(want))
set.seed(1)
invisible(rexp(40, 0.1)); invisible(rbinom(40, 1, 0.7)) # keeps the draws below as they were

# Competing ends: survival's Aalen-Johansen.
ends <- data.frame(time = ceiling(rexp(35, 0.1)), cause = sample(0:3, 35, TRUE))
full <- data.frame(time = c(3, 5, 5, 8, 9, 12, 12, 15), cause = c(1, 2, 1, 1, 3, 2, 1, 1))
for (d in list(ends, full)) {
  s <- survfit(Surv(time, factor(cause, 0:3)) ~ 1, data = d)
  for (k in 1:3) add("incidence", c(nrow(d), d$time, d$cause, k), s$pstate[, k + 1])
  ci <- cuminc(d$time, d$cause)
  for (k in 1:3) add("incidence_gray", c(nrow(d), d$time, d$cause, k), timepoints(ci[paste("1", k)], 9)$est)
}
cat(toJSON(list(source = unbox(paste0(R.version.string, ", survival ", packageVersion("survival"), ", cmprsk ", packageVersion("cmprsk"))),
                cases = cases), auto_unbox = FALSE, digits = NA), "\n")
