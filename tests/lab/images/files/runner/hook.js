// Stands where the original's hooks for containers stand; running jobs in pods of their own is not modelled.
console.error('the hooks for containers are not modelled by the stand-in')
process.exit(1)
